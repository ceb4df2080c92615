{% macro query_mark() %}
    {{ return(local_md5(query_of(model))) }}
{% endmacro %}
