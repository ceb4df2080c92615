{% macro any_new(states) %}
    {%- if not is_build() -%}{{ return(true) }}{%- endif -%}
    {%- for state in states -%}
        {%- set bounds = state_bounds(state) -%}
        {%- if bounds.head != bounds.consumed -%}{{ return(true) }}{%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}
