{% macro refuse_unchecked_models() %}
    {%- set unchecked, uncontracted = [], [] -%}
    {#- The adapter's defaults, which models of packages have. -#}
    {%- set strategy, table_type = 'insert_overwrite', 'hive' -%}
    {%- for id in selected_resources if execute and id in graph.nodes
        and flags.WHICH in ('run', 'build', 'retry', 'snapshot') -%}
        {%- set node = graph.nodes[id] -%}
        {%- set config = node.config -%}
        {%- if node.resource_type == 'snapshot' -%}
            {%- do unchecked.append(node.name ~ ' is a snapshot') -%}
        {%- elif node.resource_type != 'model' or config.materialized == 'ephemeral' -%}
            {#- What an ephemeral model gives is checked in the models that read it. -#}
        {%- elif node.language == 'python' -%}
            {%- do unchecked.append(node.name ~ ' is a Python model') -%}
        {%- elif config.materialized in ('table', 'materialized_view') -%}
            {%- do unchecked.append(node.name ~ ' is materialized as a ' ~ config.materialized) -%}
        {%- elif config.incremental_strategy == 'microbatch' -%}
            {%- do unchecked.append(node.name ~ ' is a microbatch model') -%}
        {%- elif config.materialized == 'incremental' and config.incremental_strategy != 'merge' -%}
            {%- do unchecked.append(node.name ~ ' writes by ' ~ (config.incremental_strategy or strategy) ~ ' instead of merge') -%}
        {%- elif config.materialized == 'incremental' and config.table_type != 'iceberg' -%}
            {%- do unchecked.append(node.name ~ ' is a ' ~ (config.table_type or table_type) ~ ' table') -%}
        {%- elif config.force_batch -%}
            {%- do unchecked.append(node.name ~ ' is merged in several commits (force_batch)') -%}
        {%- elif config.materialized == 'incremental' and not config.contract.enforced -%}
            {%- do unchecked.append(node.name ~ ' has a contract that is not enforced') -%}
        {%- elif config.contract.enforced and not node.columns -%}
            {%- do uncontracted.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if unchecked -%}
        {%- do exceptions.raise_compiler_error(
            'Nothing was changed, because readers would see half a table, unchecked rows, or rows twice: '
            ~ unchecked | sort | join('; ') ~ '. Leave these settings out, which makes it an incremental merge into Iceberg, and'
            ~ ' give it a unique_key (CONTRIBUTING, "add a model"), or make it a view'
        ) -%}
    {%- elif uncontracted -%}
        {%- do exceptions.raise_compiler_error(
            'Nothing was changed, because these models have no contract to be checked against: ' ~ uncontracted | sort | join(', ')
            ~ '. Draft one: dm contract new model ' ~ uncontracted | sort | first ~ ', then dm contract lint && dm contract sync'
        ) -%}
    {%- endif -%}
{% endmacro %}
