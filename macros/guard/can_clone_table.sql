{% macro can_clone_table() %}
    {%- do exceptions.raise_compiler_error(
        'dbt clone is refused for ' ~ this ~ ': on Athena it would put a view in the place of the table, which no build could'
        ~ ' go on from. Build what you change in a prefix of your own, from the tables of another: --defer --state DIR'
    ) -%}
{% endmacro %}
