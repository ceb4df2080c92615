{% macro ts6(epoch_seconds) -%}
    cast(from_unixtime({{ epoch_seconds }}) at time zone 'UTC' as timestamp(6))
{%- endmacro %}
