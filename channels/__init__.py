"""Ways to talk: one folder each, knowing only `helpdesk.channel`."""
