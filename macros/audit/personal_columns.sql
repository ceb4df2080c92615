{% macro personal_columns() %}
    {%- set names = [] -%}
    {%- for column in model.columns.values() if column.config.meta.classification in ('personal', 'pseudonym') -%}
        {%- do names.append(column.name) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}
