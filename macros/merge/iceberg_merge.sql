{% macro iceberg_merge(
    on_schema_change, tmp_relation, target_relation, unique_key, incremental_predicates, existing_relation,
    delete_condition, update_condition, insert_condition, force_batch
) %}
    {%- do widen_columns() -%}
    {%- set staged = load_result('rows staged') -%}
    {%- if staged is none or staged.response | int > 0 -%}
        {%- set told = dbt.iceberg_merge(
            on_schema_change, tmp_relation, target_relation, unique_key, incremental_predicates, existing_relation,
            delete_condition, update_condition, insert_condition, force_batch
        ) | trim -%}
    {%- else -%}
        {#- A MERGE of no rows changes nothing, but costs a statement. -#}
        {%- if not nothing_new() -%}
            {%- do process_schema_changes(on_schema_change, tmp_relation, existing_relation) -%}
        {%- endif -%}
        {%- set told = '' -%}
    {%- endif -%}
    {#- The adapter reports the result of the MERGE to dbt as a literal in a further statement; this statement can carry it instead. -#}
    {%- set recorded = record_consumed() | trim -%}
    {%- set result = told.split("'")[1] if told else '{"rowcount":0,"data_scanned_in_bytes":0}' -%}
    {{ return(recorded ~ ' /* ' ~ result ~ ' */' if recorded else told) }}
{%- endmacro %}
