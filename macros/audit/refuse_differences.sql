{% macro refuse_differences(staged) %}
    {%- set count = run_query('select count(*) from ' ~ staged).rows[0][0] | int -%}
    {%- do store_result('rows staged', response=count) -%}
    {%- if count -%}
        {%- set shown = sample_keys(staged, 'true') -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' is not what a full recompute gives: ' ~ count ~ ' rows differ' ~ shown
            ~ ". Nothing was changed; correct it with dbt build --select " ~ model.name ~ "+ --vars 'rebuild: true'"
        ) -%}
    {%- endif -%}
    {%- do refuse_broken_rows(staged) -%}
{% endmacro %}
