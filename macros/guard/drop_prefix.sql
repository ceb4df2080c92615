{% macro drop_prefix() %}
    {%- set prefix = env_var('DM_SCHEMA_PREFIX', '') -%}
    {%- if not prefix -%}
        {%- do exceptions.raise_compiler_error('DM_SCHEMA_PREFIX is not set: it names the schemas to drop, such as ann_') -%}
    {%- endif -%}
    {%- set lease = load_relation(ops_relation('lease')) -%}
    {#- A developer reads the bronze of others. A prefix with a bronze of its own is an environment, which cannot be built again. -#}
    {%- if adapter.check_schema_exists(target.database, prefix ~ 'bronze') -%}
        {%- do exceptions.raise_compiler_error(
            prefix ~ 'bronze exists, so ' ~ prefix ~ ' is an environment and not the prefix of a developer. Nothing was dropped'
        ) -%}
    {%- endif -%}
    {%- set held = run_query(
        'select who from ' ~ lease ~ " where holder <> '' and renewed_at > to_unixtime(current_timestamp) - " ~ lease_seconds()
    ).rows if lease is not none else [] -%}
    {%- if held -%}
        {%- do exceptions.raise_compiler_error(
            'A build of ' ~ held[0][0] ~ ' is at work under ' ~ prefix ~ '. Nothing was dropped. Wait for its end, then run this again'
        ) -%}
    {%- endif -%}
    {#- Last ops, with the lease: if this is interrupted, running it again drops the rest. -#}
    {%- for layer in ('gold', 'silver', 'ops') -%}
        {%- set schema = api.Relation.create(database=target.database, schema=generate_schema_name(layer, none) | trim) -%}
        {%- set found = adapter.list_relations_without_caching(schema) -%}
        {%- for relation in found -%}
            {%- do adapter.drop_relation(relation) -%}
        {%- endfor -%}
        {%- do adapter.drop_schema(schema) -%}
        {%- do log('Dropped ' ~ schema.schema ~ ' with ' ~ found | length ~ ' tables and views.', info=true) -%}
    {%- endfor -%}
{% endmacro %}
