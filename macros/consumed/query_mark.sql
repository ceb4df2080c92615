{% macro query_mark() %}
    {%- set known = load_result('query mark') -%}
    {%- if known is not none -%}
        {%- set mark = known.response -%}
    {%- else -%}
        {#- Views that a view reads have marks of their own, which change without it. -#}
        {%- set views = view_marks(model) if model.config.materialized != 'view' else [] -%}
        {%- set mark = local_md5(([query_text()] + inlined_queries(model) + views) | join('\n')) -%}
    {%- endif -%}
    {%- do store_result('query mark', response=mark) -%}
    {{ return(mark) }}
{% endmacro %}
