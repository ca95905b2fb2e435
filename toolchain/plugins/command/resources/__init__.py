"""The plugin's resources and its function: what create, update and delete do."""
