{% macro ops_relation(name) %}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name('ops', none) | trim, identifier=name, type='table'
    )) }}
{% endmacro %}
