{% macro build_id() -%}
    {{ run_started_at.strftime('%Y%m%dT%H%M%S%f') }}-{{ invocation_id[:8] }}
{%- endmacro %}
