{% macro lease_relation() %}
    {{ return(api.Relation.create(
        database=target.database, schema=consumed_relation().schema, identifier='lease', type='table'
    )) }}
{% endmacro %}
