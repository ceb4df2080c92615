{% macro metadata_table(table, kind) %}
    {{ return('"' ~ table.schema ~ '"."' ~ table.identifier ~ '$' ~ kind ~ '"') }}
{% endmacro %}
