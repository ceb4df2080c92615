{% macro statement(name=none, fetch_result=false, auto_begin=true, language='sql') -%}
    {%- set sql = caller() if execute else '' -%}
    {%- if sql | trim -%}
        {%- call dbt.statement(name, fetch_result, auto_begin, language) -%}{{ sql }}{%- endcall -%}
    {%- elif execute -%}
        {#- The last statement of a model that writes nothing is empty. -#}
        {%- call noop_statement(name, message='OK 0', code='OK', rows_affected=0) -%}{%- endcall -%}
    {%- endif -%}
{%- endmacro %}
