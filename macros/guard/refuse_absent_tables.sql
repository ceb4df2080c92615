{% macro refuse_absent_tables() %}
    {%- set wanted = [] -%}
    {%- for id in selected_resources if execute and id in graph.nodes -%}
        {%- set node = graph.nodes[id] -%}
        {%- if flags.EMPTY -%}
            {%- for parent in node.depends_on.nodes if parent in graph.sources -%}
                {%- do wanted.append((graph.sources[parent].schema, graph.sources[parent].identifier)) -%}
            {%- endfor -%}
        {%- elif var('reconcile', false) and node.config.materialized == 'incremental' -%}
            {%- do wanted.append((node.schema, node.alias)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set absent = [] -%}
    {%- for schema, name in wanted | unique | sort if not adapter.get_relation(target.database, schema, name) -%}
        {%- do absent.append(schema ~ '.' ~ name) -%}
    {%- endfor -%}
    {%- if absent and flags.EMPTY -%}
        {%- do exceptions.raise_compiler_error(
            '--empty needs the columns of its sources, and these do not exist: ' ~ absent | join(', ')
            ~ '. Set the prefix that they have (DM_BRONZE_PREFIX= for none), or create them:'
            ~ ' dm sample land --rows 200, then dm ingest run --until-idle'
        ) -%}
    {%- elif absent -%}
        {%- do exceptions.raise_compiler_error(
            'There is nothing to compare with, because these are not built: ' ~ absent | join(', ')
        ) -%}
    {%- endif -%}
{% endmacro %}
