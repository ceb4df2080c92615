{% macro drop_failures() %}
    {#- What an earlier build kept of its broken rows has served its purpose. -#}
    {%- if load_cached_relation(failures_relation()) is not none -%}
        {%- do drop_relation(failures_relation()) -%}
    {%- endif -%}
{% endmacro %}
