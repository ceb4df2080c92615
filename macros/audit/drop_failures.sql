{% macro drop_failures() %}
    {#- The broken rows that an earlier build kept are no longer needed. -#}
    {%- if load_cached_relation(failures_relation()) is not none -%}
        {%- do drop_relation(failures_relation()) -%}
    {%- endif -%}
{% endmacro %}
