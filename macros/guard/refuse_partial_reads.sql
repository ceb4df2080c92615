{% macro refuse_partial_reads() %}
    {%- if is_build() and invocation_args_dict.sample -%}
        {%- do exceptions.raise_compiler_error(
            '--sample is refused: the rows that it omits would count as consumed, and never be read. For a small data set:'
            ~ ' dm local up, then dm sample land --rows 5000'
        ) -%}
    {%- endif -%}
    {%- if execute and flags.EMPTY -%}
        {%- for layer in ('silver', 'gold') -%}
            {%- set schema = generate_schema_name(layer, none) | trim -%}
            {%- if adapter.list_relations_without_caching(api.Relation.create(database=target.database, schema=schema)) -%}
                {%- do exceptions.raise_compiler_error(
                    '--empty is refused: there are tables in ' ~ schema ~ ', and their readers would see views without rows.'
                    ~ ' Nothing was changed. Try models without data in an empty prefix: DM_SCHEMA_PREFIX=try_ DM_BRONZE_PREFIX='
                    ~ env_var('DM_BRONZE_PREFIX', env_var('DM_SCHEMA_PREFIX', '')) ~ ' dbt build --empty'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
