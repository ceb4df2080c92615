{% macro drop_leftovers() %}
    {#- Nobody else writes here while we hold the lease, and no model is at work: what is staged is nobody's. -#}
    {%- set ours = [lease_relation().schema, generate_schema_name('silver', none) | trim, generate_schema_name('gold', none) | trim] -%}
    {%- for schema in ours -%}
        {%- for found in adapter.list_relations_without_caching(api.Relation.create(database=target.database, schema=schema)) -%}
            {%- if '__dbt_tmp' in found.identifier or found.identifier.endswith('__audit') -%}
                {%- do log('Dropping ' ~ found ~ ', which was left behind.', info=true) -%}
                {%- do adapter.drop_relation(found) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}
