{% macro safe_create_table_as(temporary, relation, compiled_code, language='sql', force_batch=False) %}
    {%- do refuse_other_key() -%}
    {%- if temporary and nothing_new() -%}
        {%- do stage_nothing(relation, compiled_code) -%}
    {%- elif temporary -%}
        {%- if query_changed() -%}
            {%- do log(this ~ ' is computed anew: its query has changed.', info=true) -%}
        {%- endif -%}
        {%- do refuse_other_types() -%}
        {%- set result = dbt.safe_create_table_as(temporary, relation, compiled_code, language, force_batch) -%}
        {%- do audit_before_publish(relation, merges=true) -%}
    {%- elif var('reconcile', false) -%}
        {%- do exceptions.raise_compiler_error(this ~ ' does not exist yet, so there is nothing to reconcile. Run dbt build') -%}
    {%- else -%}
        {#- A new table would be visible at once: build it under another name, check it, then rename it. -#}
        {%- set aside = relation.incorporate(path={'identifier': relation.identifier ~ '__audit'}) -%}
        {%- if load_cached_relation(aside) is not none -%}
            {%- do drop_relation(aside) -%}
        {%- endif -%}
        {%- set result = dbt.safe_create_table_as(temporary, aside, compiled_code, language, force_batch) -%}
        {%- do audit_before_publish(aside, merges=false) -%}
        {%- do rename_relation(aside, relation) -%}
    {%- endif -%}
    {{ return(result) }}
{% endmacro %}
