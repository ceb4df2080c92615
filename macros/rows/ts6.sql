{% macro ts6(epoch_seconds) -%}
    cast(date_add('second', {{ epoch_seconds }}, timestamp '1970-01-01 00:00:00') as timestamp(6))
{%- endmacro %}
