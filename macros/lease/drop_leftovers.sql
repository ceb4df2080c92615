{% macro drop_leftovers() %}
    {#- While we hold the lease, no other build writes here, and no model is running, so no staged table is needed. -#}
    {%- for layer in ('ops', 'silver', 'gold') -%}
        {%- set schema = generate_schema_name(layer, none) | trim -%}
        {%- for found in adapter.list_relations_without_caching(api.Relation.create(database=target.database, schema=schema)) -%}
            {%- if '__dbt_tmp' in found.identifier or found.identifier.endswith('__audit') -%}
                {%- do log('Dropping ' ~ found ~ ', which was left behind.', info=true) -%}
                {%- do adapter.drop_relation(found) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}
