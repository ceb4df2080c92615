{% macro nothing_new() %}
    {%- if not is_build() or recomputes_all() or retyped_columns() -%}{{ return(false) }}{%- endif -%}
    {%- set taken = [] -%}
    {%- for mark in consumed_marks() -%}
        {%- if mark.head != mark.consumed or not mark.consumed -%}{{ return(false) }}{%- endif -%}
        {%- do taken.append(mark.input.split('.')[-1]) -%}
    {%- endfor -%}
    {#- Any other input may have changed. A view only shows its state table, and events come in the table's batches. -#}
    {%- for input in model.refs | map(attribute='name') | list + model.sources | map('last') | list -%}
        {%- if not [input, input ~ '_state', input.removesuffix('_events')] | select('in', taken) | list -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(taken | length > 0) }}
{% endmacro %}
