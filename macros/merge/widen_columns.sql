{% macro widen_columns() %}
    {%- for column in retyped_columns() -%}
        {%- do run_query(
            'alter table ' ~ this.render_hive() ~ ' change column `' ~ column.name ~ '` `' ~ column.name ~ '` ' ~ column.after
        ) -%}
    {%- endfor -%}
{% endmacro %}
