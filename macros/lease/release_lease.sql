{% macro release_lease() %}
    {%- if takes_lease() and adapter.get_glue_table(lease_relation()) is not none -%}
        update {{ lease_relation() }} set holder = '', fenced = '' where holder = '{{ invocation_id }}'
    {%- endif -%}
{% endmacro %}
