{% macro athena__get_create_table_as_sql(temporary, relation, sql) %}
    {#- Used in unit tests, only to learn column types. The adapter would create a Hive table, for which Athena refuses the
        timestamp(6) of an Iceberg model (dbt-labs/dbt-adapters issue 424). -#}
    create or replace view {{ relation }} as {{ sql }}
{% endmacro %}
