{% macro should_full_refresh() %}
    {%- set wanted = dbt.should_full_refresh() -%}
    {%- if wanted and is_build()
        and model.config.materialized == 'incremental' and load_cached_relation(this) is not none -%}
        {%- do exceptions.raise_compiler_error(
            '--full-refresh is refused for ' ~ this ~ ': it would swap the table under its readers. '
            ~ "Rebuild it in place instead: dbt build --select " ~ model.name ~ "+ --vars 'rebuild: true'"
        ) -%}
    {%- endif -%}
    {{ return(wanted) }}
{% endmacro %}
