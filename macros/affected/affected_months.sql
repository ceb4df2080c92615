{% macro affected_months(flat) %}
    {%- if not is_build() or recomputes_all() -%}{{ return(none) }}{%- endif -%}
    {%- set bounds = snapshot_bounds(flat) -%}
    {#- A version that is gone, or was rolled back, says nothing about what has changed since. -#}
    {%- if not bounds.consumed or not bounds.since -%}{{ return(none) }}{%- endif -%}
    {%- set months, moved, changed = [], [], (bounds.changed or '').split() -%}
    {#- Of 96: to name nearly all months takes longer than to read those that are left out as well. -#}
    {%- if changed | length >= 90 -%}{{ return(none) }}{%- endif -%}
    {%- for partition in changed -%}
        {%- set slot, first, last, left = partition.split(':') -%}
        {%- if slot and not (first and last) -%}{{ return(none) }}{%- endif -%}
        {%- do months.extend(months_of_slot(slot, first | int, last | int)) -%}
        {%- if left != '0' -%}{%- do moved.append(slot) -%}{%- endif -%}
    {%- endfor -%}
    {{ return((months + (months_left_since(flat, bounds) if moved else [])) | unique | sort) }}
{% endmacro %}
