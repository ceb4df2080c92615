{% macro query_mark() %}
    {%- set known = load_result('query mark') -%}
    {%- set mark = known.response if known is not none else local_md5(([query_text()] + inlined_queries(model)) | join('\n')) -%}
    {%- do store_result('query mark', response=mark) -%}
    {{ return(mark) }}
{% endmacro %}
