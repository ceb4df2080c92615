{% macro beats(row, other, content) -%}
    {%- set compared = content | select('in', table_columns()) | list -%}
    case
            when {{ row }}._seq <> {{ other }}._seq then {{ row }}._seq > {{ other }}._seq
            when {{ row }}._rev <> {{ other }}._rev then {{ row }}._rev > {{ other }}._rev
            else {{ content_hash(compared, row) }} > {{ content_hash(compared, other) }}
        end
{%- endmacro %}
