{% macro refuse_unchecked_models() %}
    {%- set unchecked, uncontracted = [], [] -%}
    {%- for id in selected_resources if execute and id in graph.nodes
        and flags.WHICH in ('run', 'build', 'retry', 'snapshot') -%}
        {%- set node = graph.nodes[id] -%}
        {%- set config = node.config -%}
        {%- if node.resource_type == 'snapshot' -%}
            {%- do unchecked.append(node.name ~ ' is a snapshot') -%}
        {%- elif node.resource_type == 'model' and node.language == 'python' -%}
            {%- do unchecked.append(node.name ~ ' is a Python model') -%}
        {%- elif node.resource_type == 'model' and config.materialized == 'table' -%}
            {%- do unchecked.append(node.name ~ ' is materialized as a table') -%}
        {%- elif node.resource_type == 'model' and config.incremental_strategy == 'microbatch' -%}
            {%- do unchecked.append(node.name ~ ' is a microbatch model') -%}
        {%- elif node.resource_type == 'model' and config.contract.enforced and not node.columns -%}
            {%- do uncontracted.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if unchecked -%}
        {%- do exceptions.raise_compiler_error(
            'Nothing was changed, because readers would see half a table, or unchecked rows: '
            ~ unchecked | sort | join('; ') ~ '. Leave materialized out, which makes it incremental, and give it a unique_key'
            ~ ' (CONTRIBUTING, "add a model"), or make it a view'
        ) -%}
    {%- elif uncontracted -%}
        {%- do exceptions.raise_compiler_error(
            'Nothing was changed, because these models have no contract to be checked against: ' ~ uncontracted | sort | join(', ')
            ~ '. Draft one: dm contract new model ' ~ uncontracted | sort | first ~ ', then dm contract lint && dm contract sync'
        ) -%}
    {%- endif -%}
{% endmacro %}
