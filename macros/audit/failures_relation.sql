{% macro failures_relation() %}
    {{ return(api.Relation.create(
        database=target.database, schema=consumed_relation().schema,
        identifier=this.schema ~ '_' ~ this.identifier ~ '_failures', type='table'
    )) }}
{% endmacro %}
