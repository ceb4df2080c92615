{% macro contract_columns() %}
    {%- if is_unit_test() and is_incremental() -%}
        {%- do exceptions.raise_compiler_error(
            'A unit test does not know the columns of the contract. Where the table is there already, name them:'
            ~ ' overrides: {macros: {is_incremental: true, contract_columns: {city: {}, event_count: {}, …}}}'
        ) -%}
    {%- endif -%}
    {{ return(model.columns) }}
{% endmacro %}
