"""The simulator: real engine and runtime code over a table, a stream and a clock in memory, where one seed decides
everything that happens."""
