{% macro view_marks(node) %}
    {#- As the lake has the views, and those behind them: a run may leave out one that has changed. -#}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes | sort if graph.nodes.get(id, {}).get('config', {}).get('materialized') in ('view', 'ephemeral') -%}
        {%- set input = graph.nodes[id] -%}
        {%- do found.extend(([graph.queries.get(input.alias, '')] if input.config.materialized == 'view' else []) + view_marks(input)) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
