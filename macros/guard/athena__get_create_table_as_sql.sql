{% macro athena__get_create_table_as_sql(temporary, relation, sql) %}
    {#- Of a unit test, which wants the types of its columns only: the adapter would make a table of Hive's, where Athena
        refuses the timestamp(6) of an Iceberg model (dbt-labs/dbt-adapters issue 424). -#}
    create or replace view {{ relation }} as {{ sql }}
{% endmacro %}
