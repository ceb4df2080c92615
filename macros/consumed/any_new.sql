{% macro any_new(states) %}
    {%- if not execute or flags.WHICH not in ('run', 'build', 'retry') -%}{{ return(true) }}{%- endif -%}
    {%- for state in states -%}
        {%- set bounds = state_bounds(state) -%}
        {%- if bounds.head != bounds.consumed -%}{{ return(true) }}{%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}
