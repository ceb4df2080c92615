"""Query engines behind the gateway: one interface, `localcloud.athena.model.Engine`."""
