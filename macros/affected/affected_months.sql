{% macro affected_months(flat) %}
    {%- if not is_build() or recomputes_all() -%}{{ return(none) }}{%- endif -%}
    {%- set bounds = snapshot_bounds(flat) -%}
    {#- A snapshot that no longer exists, or was rolled back, does not tell what has changed since. -#}
    {%- if not bounds.consumed or not bounds.since -%}{{ return(none) }}{%- endif -%}
    {%- set months, moved, changed = [], [], (bounds.changed or '').split() -%}
    {#- Of 96: listing nearly all months takes longer than reading the few that would be left out. -#}
    {%- if changed | length >= 90 -%}{{ return(none) }}{%- endif -%}
    {%- for partition in changed -%}
        {%- set slot, first, last, left = partition.split(':') -%}
        {%- if slot and not (first and last) -%}{{ return(none) }}{%- endif -%}
        {%- do months.extend(months_of_slot(slot, first | int, last | int)) -%}
        {%- if left != '0' -%}{%- do moved.append(slot) -%}{%- endif -%}
    {%- endfor -%}
    {{ return((months + (months_left_since(flat, bounds) if moved else [])) | unique | sort) }}
{% endmacro %}
