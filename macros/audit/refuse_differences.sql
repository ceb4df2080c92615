{% macro refuse_differences(staged) %}
    {#- A query that reads its own table has compared itself. Of any other, all rows are staged. -#}
    {%- set differing = staged if this | string in model.compiled_code else differing_rows(staged) -%}
    {%- set count = run_query('select count(*) from ' ~ differing).rows[0][0] | int -%}
    {%- do store_result('rows staged', response=count) -%}
    {%- if count -%}
        {%- set shown = sample_keys(differing, 'true') -%}
        {%- do drop_relation(staged) -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' is not what a full recompute gives: ' ~ count ~ ' rows differ' ~ shown
            ~ ". Nothing was changed; correct it with dbt build --select " ~ model.name ~ "+ --vars 'rebuild: true'"
            ~ (', and delete by hand the rows that its query no longer gives: no build does' if differing != staged)
        ) -%}
    {%- endif -%}
    {%- do refuse_broken_rows(staged) -%}
{% endmacro %}
