{% macro consumed_mark(input, kind, bounds) %} /* consumes {{ input.schema }}.{{ input.identifier }} of "{{ bounds.table_uuid }}": {{ kind }} {{ bounds.head }} after {{ bounds.consumed }} */
{%- endmacro %}
