{% macro beats(row, other, content) -%}
    {%- set compared = content | select('in', table_columns()) | list -%}
    case
            when {{ row }}._seq <> {{ other }}._seq then {{ row }}._seq > {{ other }}._seq
            when {{ row }}._rev <> {{ other }}._rev then {{ row }}._rev > {{ other }}._rev
            {%- if from_start() %}
            else {{ differs(row, other, content + ['_deleted']) }}
            {%- else %}
            when {{ row }}._deleted <> {{ other }}._deleted then {{ row }}._deleted
            else {{ content_hash(compared, row) }} > {{ content_hash(compared, other) }}
            {%- endif %}
        end
{%- endmacro %}
