{% macro inlined_queries(node) %}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes | sort if id in graph.nodes -%}
        {%- set input = graph.nodes[id] -%}
        {%- if input.config.materialized == 'view' -%}
            {#- As the lake has it: a run may leave out a view that has changed. -#}
            {%- do found.append(graph.queries.get(input.alias, '')) -%}
        {%- elif input.config.materialized == 'ephemeral' -%}
            {%- do found.extend([input.raw_code] + inlined_queries(input)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
