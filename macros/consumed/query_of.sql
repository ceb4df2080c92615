{% macro query_of(node) %}
    {#- Comments that are a line of their own, and how lines are indented, change no answer. -#}
    {%- set lines = [] -%}
    {%- for line in (node.raw_code or '').splitlines() | map('trim') if line and not line.startswith('--') -%}
        {%- do lines.append(line) -%}
    {%- endfor -%}
    {%- for id in node.depends_on.nodes | sort if id in graph.nodes and graph.nodes[id].config.materialized == 'view' -%}
        {%- do lines.append(query_of(graph.nodes[id])) -%}
    {%- endfor -%}
    {{ return(lines | join('\n')) }}
{% endmacro %}
