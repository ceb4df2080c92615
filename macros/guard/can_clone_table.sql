{% macro can_clone_table() %}
    {%- do exceptions.raise_compiler_error(
        'dbt clone is refused for ' ~ this ~ ': on Athena it would create a view in place of the table, which no build could'
        ~ ' continue from. Build what you change in your own prefix, and read the other tables from another: --defer --state DIR'
    ) -%}
{% endmacro %}
