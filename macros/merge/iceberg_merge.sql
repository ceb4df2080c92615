{% macro iceberg_merge(
    on_schema_change, tmp_relation, target_relation, unique_key, incremental_predicates, existing_relation,
    delete_condition, update_condition, insert_condition, force_batch
) %}
    {%- set staged = load_result('rows staged') -%}
    {%- if staged is none or staged.response | int > 0 -%}
        {{ return(dbt.iceberg_merge(
            on_schema_change, tmp_relation, target_relation, unique_key, incremental_predicates, existing_relation,
            delete_condition, update_condition, insert_condition, force_batch
        )) }}
    {%- endif -%}
    {#- A MERGE of no rows changes nothing, and is a statement all the same. -#}
    {%- do process_schema_changes(on_schema_change, tmp_relation, existing_relation) -%}
    select '{"rowcount":0,"data_scanned_in_bytes":0}'
{%- endmacro %}
