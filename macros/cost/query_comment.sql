{% macro query_comment(node) %}
    {%- set said = {'app': 'dbt', 'invocation_id': invocation_id, 'started': run_started_at.isoformat()} -%}
    {%- if node is not none -%}{%- do said.update(node_id=node.unique_id) -%}{%- endif -%}
    {{ return(tojson(said)) }}
{% endmacro %}
