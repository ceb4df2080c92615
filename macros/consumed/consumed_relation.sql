{% macro consumed_relation() %}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name('ops', none) | trim, identifier='consumed', type='table'
    )) }}
{% endmacro %}
