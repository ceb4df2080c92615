{% macro query_mark() %}
    {%- set known = load_result('query mark') -%}
    {%- if known is not none -%}
        {%- set mark = known.response -%}
    {%- else -%}
        {%- set parts = [query_text()] -%}
        {#- A view counts as the lake has it: a run may leave out a view that has changed. -#}
        {%- for id in model.depends_on.nodes | sort if graph.nodes.get(id, {}).get('config', {}).get('materialized') == 'view' -%}
            {%- do parts.append(graph.queries.get(graph.nodes[id].alias, '')) -%}
        {%- endfor -%}
        {%- set mark = local_md5(parts | join('\n')) -%}
    {%- endif -%}
    {%- do store_result('query mark', response=mark) -%}
    {{ return(mark) }}
{% endmacro %}
