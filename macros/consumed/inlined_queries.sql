{% macro inlined_queries(node) %}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes | sort if graph.nodes.get(id, {}).get('config', {}).get('materialized') == 'ephemeral' -%}
        {%- do found.extend([graph.nodes[id].raw_code] + inlined_queries(graph.nodes[id])) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
