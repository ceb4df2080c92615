{% macro refuse_shared_names() %}
    {%- set found = {} -%}
    {%- for node in (graph.nodes.values() | sort(attribute='name') if is_build() else [])
        if node.resource_type == 'model' and node.config.materialized in ('incremental', 'view') -%}
        {%- do found.setdefault(node.alias | lower, []).append(node) -%}
    {%- endfor -%}
    {%- for name, nodes in found.items() if nodes | length > 1 -%}
        {%- set tables = [] -%}
        {%- for node in nodes -%}{%- do tables.append(node.schema ~ '.' ~ node.alias) -%}{%- endfor -%}
        {%- do exceptions.raise_compiler_error(
            'Nothing was changed: ' ~ nodes | map(attribute='name') | join(' and ') ~ ' are both named ' ~ name ~ ' ('
            ~ tables | join(', ') ~ '). What a model has taken in is recorded under the name of its table, so one of them'
            ~ ' would pass over what the other has read: give each an alias of its own, also in different schemas'
        ) -%}
    {%- endfor -%}
{% endmacro %}
