{% macro beats(row, other, content) -%}
    {%- set compared = content | select('in', table_columns()) | list -%}
    {{ row }}._seq > {{ other }}._seq
            or ({{ row }}._seq = {{ other }}._seq and {{ row }}._rev > {{ other }}._rev)
            or (
                {{ row }}._seq = {{ other }}._seq and {{ row }}._rev = {{ other }}._rev
                and {{ content_hash(compared, row) }} > {{ content_hash(compared, other) }}
            )
{%- endmacro %}
